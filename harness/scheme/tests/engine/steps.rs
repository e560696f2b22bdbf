//! Every step of a pipeline (vectors/README.md), with the examples of the documents that define it: RFC 4231 for HMAC,
//! FIPS 180-4 for SHA-2, RFC 4648 for encodings, RFC 8259 for JSON.

use bearproof_scheme::sign::{Draft, sign};

use crate::common::{described, signer, world_of};

/// What a claim with this pipeline is.
fn computed(from: &str) -> String {
    let scheme = format!(
        "format = 1\ntitle = \"steps\"\n[credential]\nabc = \"text\"\nwant = \"text\"\nfoob = \"text\"\nodd = \"text\"\n\
         json = \"text\"\njefe = \"secret\"\nsecret = \"secret\"\n\
         [token]\nformat = \"jws\"\nalg = \"HS256\"\nkey = \"credential.secret\"\n\
         [claims.sub]\nfrom = \"credential.abc\"\nidentifies = true\n[claims.x]\nfrom = {from}\n\
         [field.authorization]\nauth-scheme = \"Bearer\"\nfrom = \"token\"\n[refusal]\n\"*\" = {{ status = 401 }}\n"
    );
    let d = described(&scheme);
    let text = r#"format = 1
origin = "https://api.example"
[credential.primary]
abc    = "abc"
want   = "what do ya want for nothing?"
foob   = "foob"
odd    = "a\"\\\n\u0001é/"
json   = " { \"a\" : [ 1.50 , \"x y\" ] } "
jefe   = "Jefe"
secret = "a-fake-secret-of-more-than-32-bytes-9"
[endpoint.read]
method = "GET"
path   = "/"
"#;
    let w = world_of(&d, text);
    let signer = signer(&d, &w, "primary");
    let (_, trace) = sign(&signer, &Draft::of(&w, w.endpoint("read").unwrap())).unwrap();
    let (_, claims) = trace.iter().find(|(name, _)| name == "claims").unwrap();
    let claims: serde_json::Value = serde_json::from_slice(claims).unwrap();
    claims.get("x").unwrap().as_str().unwrap().to_string()
}

#[test]
fn each_step_gives_what_its_document_shows() {
    for (from, expected) in [
        (r#"["credential.foob", "base64"]"#, "Zm9vYg=="),
        (r#"["credential.foob", "base64url"]"#, "Zm9vYg"),
        (r#"["credential.foob", "base64url-padded"]"#, "Zm9vYg=="),
        (r#"["credential.foob", "hex"]"#, "666f6f62"),
        (r#"["credential.odd", "json-string"]"#, "\"a\\\"\\\\\\n\\u0001é/\""),
        (r#"["credential.json", "json-compact"]"#, r#"{"a":[1.50,"x y"]}"#),
        (r#"["credential.foob", "append -{credential.abc}."]"#, "foob-abc."),
        (r#""{credential.foob}-{credential.abc}.""#, "foob-abc."),
        (
            r#"["credential.abc", "sha-256", "hex"]"#,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            r#"["credential.abc", "sha-512", "hex"]"#,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            r#"["credential.want", "hmac-sha-256 credential.jefe", "hex"]"#,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            r#"["credential.want", "hmac-sha-512 credential.jefe", "hex"]"#,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(computed(from), expected, "{from}");
    }
}
