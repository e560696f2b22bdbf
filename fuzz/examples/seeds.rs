//! Writes the seeds of all targets from the published vectors: `cargo run --example seeds` in `fuzz/`. It must give
//! the same files each time. With `-- all FOLDER` it writes the requests of all vectors there, for a corpus to be chosen
//! from (`.ci/corpus`).

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;

use bearproof_conform::entropy::Published;
use bearproof_conform::frozen;
use bearproof_conform::properties::{ROLES, SEALING_KEY, TAGS, signer};
use bearproof_conform::suite::{Scheme, Suite};
use bearproof_conform::vector::{FrozenRequest, Vector};
use bearproof_scheme::description::{Alg, Format};
use bearproof_scheme::key::{Key, Secret};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Entropy, sign};
use bearproof_scheme::token::make;

type Outcome = Result<(), Box<dyn Error>>;

/// Accepted and refused requests that are taken of each scheme.
const REQUESTS: usize = 6;

fn main() -> Outcome {
    let suite = bearproof::properties::suite()?;
    let mut arguments = std::env::args().skip(1);
    if let (Some("all"), Some(folder)) = (arguments.next().as_deref(), arguments.next()) {
        return all_requests(&suite, Path::new(&folder));
    }
    texts()?;
    sealed()?;
    for (tag, id) in TAGS {
        let scheme = suite.scheme(id).map_err(|fault| fault.to_string())?;
        files(tag, scheme)?;
        requests(tag, scheme)?;
        tokens(tag, scheme)?;
        choices(tag, scheme)?;
    }
    answers()?;
    neighbours()?;
    families(&suite)
}

/// Schemes of others, with words of the language that the published ones do not use.
fn neighbours() -> Outcome {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/bearproof/tests/fixtures");
    for id in ["coinbase-cdp", "fireblocks"] {
        write("scheme-file", id, &fs::read(fixtures.join(id).join("scheme.toml"))?)?;
    }
    Ok(())
}

/// Seeds of what needs no scheme.
fn texts() -> Outcome {
    for (position, text) in ["Zm9vYmFy", "Zm9vYg==", "-_-_", "Zh", "A"].iter().enumerate() {
        write("base64url", &position.to_string(), text.as_bytes())?;
    }
    for (position, text) in ["plain", "\" \\ / \u{8}\t\n\u{c}\r\u{1}", "Zoë \u{2028} 😀"].iter().enumerate()
    {
        write("json-string", &position.to_string(), text.as_bytes())?;
    }
    let objects = [
        r#"{"exp":1694673536,"a":[1.50e+01,-0,1E400,true,null],"b":{"c":"\ud83d\ude00\/\u00E9é"}}"#,
        "\r\n { \"a\" :\t1 , \"a\" : [ ] , \"c\" : { } } \n",
        r#"{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
        "{\"\\u0061\":01}",
    ];
    for (position, text) in objects.iter().enumerate() {
        write("json-object", &position.to_string(), text.as_bytes())?;
        write("json-compact", &position.to_string(), text.as_bytes())?;
    }
    for choice in 0..6_u8 {
        // A key or a message of no bytes, then bytes enough for all that follows.
        let made = Published::new("seeds", 2).bytes("signature", 60);
        write("signature", &format!("made-{choice}"), &[&[choice], made.as_slice()].concat())?;
        write("signature", &format!("as-it-is-{choice}"), &[choice, 0, 0, 0, 0, 0, 0, 0])?;
    }
    let mixed = Published::new("seeds", 0);
    for position in ["0", "1", "2"] {
        write("replay-memory", position, &mixed.bytes(position, 120))?;
    }
    Ok(())
}

/// Tokens under the key of the property, and the bytes that make and change one.
fn sealed() -> Outcome {
    let key = Secret::new(SEALING_KEY);
    let key = Key::Secret(&key);
    for (mode, format) in [(0, Format::Jwe), (2, Format::Opaque)] {
        let header = br#"{"alg":"dir","enc":"A256GCM"}"#;
        let token = make(format, Some(Alg::DirA256Gcm), key, header, br#"{"exp":1}"#, &[7; 12]);
        let token = token.ok_or("sealing fails")?.join(".");
        write("sealed-token", &format!("{mode}"), &[&[mode], token.as_bytes()].concat())?;
        write("compact-token", &format!("sealed-{mode}"), token.as_bytes())?;
        let made = Published::new("seeds", 1).bytes("made", 90);
        write("sealed-token", &format!("made-{mode}"), &[&[mode + 1], made.as_slice()].concat())?;
    }
    Ok(())
}

/// Its own files, and one vector of each of two frozen files.
fn files(tag: u8, scheme: &Scheme) -> Outcome {
    let read = |name: &str| scheme.folder.read(name);
    write("scheme-file", &scheme.id, &read("scheme.toml")?)?;
    write("world-file", &scheme.id, &[&[tag], read("world.toml")?.as_slice()].concat())?;
    if let Ok(recipes) = read("recipes.toml") {
        write("recipe-file", &scheme.id, &recipes)?;
    }
    for name in ["valid.json", "time.json"] {
        let Ok(text) = read(name) else { continue };
        let mut file = frozen::parse(name, &String::from_utf8(text)?).map_err(|fault| fault.to_string())?;
        file.vectors.truncate(1);
        let family = name.trim_end_matches(".json");
        write("vector-file", &format!("{}-{family}", scheme.id), &serde_json::to_vec(&file)?)?;
    }
    Ok(())
}

/// Frozen requests, as many accepted as refused, each from another family where there are enough.
fn requests(tag: u8, scheme: &Scheme) -> Outcome {
    let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|fault| fault.to_string())?;
    for verdict in ["accept", "reject"] {
        let fits = |v: &&Vector| v.steps.len() == 1 && v.steps.iter().all(|s| s.expect.verdict == verdict);
        let mut families: Vec<&str> = Vec::new();
        for vector in frozen.values().filter(fits) {
            let family = vector.id.split('/').nth(1).ok_or("an id has three parts")?;
            if families.iter().filter(|f| **f == family).count() >= 2 || families.len() >= REQUESTS {
                continue;
            }
            let Some(message) = vector.steps.first().and_then(|s| s.request.as_ref()).and_then(message)
            else {
                continue;
            };
            if message.body.len() > 2000 || message.wire().len() > 4000 {
                continue;
            }
            families.push(family);
            let tag = if message.secure { tag } else { tag.to_ascii_uppercase() };
            let name = vector.id.replace('/', "-");
            let data = [&[tag], message.wire().as_slice()].concat();
            write("request", &name, &data)?;
            write("weak-request", &name, &of_weak(tag, families.len(), &message))?;
            if verdict == "accept" {
                write("captured-request", &name, &data)?;
            }
        }
    }
    Ok(())
}

/// A request to a weak server; the number chooses which, by its two lowest bytes.
fn of_weak(tag: u8, number: usize, message: &Message) -> Vec<u8> {
    let [low, high, ..] = number.to_le_bytes();
    [&[tag, high, low], message.wire().as_slice()].concat()
}

/// The requests of all vectors of the world's own choices, below a folder.
fn all_requests(suite: &Suite, folder: &Path) -> Outcome {
    let (strict, weak) = (folder.join("request"), folder.join("weak-request"));
    fs::create_dir_all(&strict)?;
    fs::create_dir_all(&weak)?;
    let mut number = 0;
    for (tag, id) in TAGS {
        let scheme = suite.scheme(id).map_err(|fault| fault.to_string())?;
        let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|fault| fault.to_string())?;
        for vector in frozen.values().filter(|vector| vector.choose.is_empty()) {
            for (step, frozen) in vector.steps.iter().enumerate() {
                let Some(message) = frozen.request.as_ref().and_then(message) else { continue };
                let tag = if message.secure { tag } else { tag.to_ascii_uppercase() };
                let data = [&[tag], message.wire().as_slice()].concat();
                let name = format!("{}-{step}", vector.id.replace('/', "-"));
                fs::write(strict.join(&name), data)?;
                fs::write(weak.join(&name), of_weak(tag, number, &message))?;
                // One after the other, so that each weakness meets several requests.
                number = (number + 1) % 10_000;
            }
        }
    }
    Ok(())
}

fn message(frozen: &FrozenRequest) -> Option<Message> {
    let fields = frozen.fields.iter().map(|line| Some((line.name.clone(), line.value.bytes()?)));
    Some(Message {
        secure: frozen.secure,
        method: frozen.method.clone(),
        target: frozen.target.clone(),
        fields: fields.collect::<Option<_>>()?,
        body: frozen.body.bytes()?,
    })
}

/// Header and claims of good tokens, the tokens, forms of the carrier, and choices for the signer.
fn tokens(tag: u8, scheme: &Scheme) -> Outcome {
    let variant = &scheme.default;
    let entropy = Published::new("seeds", 2);
    let signer = signer(variant, &entropy).ok_or("no primary credential")?;
    let endpoints = variant.world.endpoints.iter().filter(|e| ROLES.contains(&e.role.as_str()));
    for endpoint in endpoints.take(2) {
        let (message, trace) = sign(&signer, &Draft::of(&variant.world, endpoint))?;
        let of = |name: &str| trace.iter().find(|(n, _)| n == name).map(|(_, bytes)| bytes.as_slice());
        let name = format!("{}-{}", scheme.id, endpoint.role);
        if let Some(claims) = of("claims") {
            // An opaque token has claims and no header.
            let texts = [&[tag], of("header").unwrap_or(b""), &[0xFF], claims].concat();
            write("signed-token", &name, &texts)?;
        }
        // A bare key travels in a field of another name: there is no token to write.
        let line = message.request().values("authorization").next().unwrap_or(b"");
        if let Some(token) = line.split(|byte| *byte == b' ').next_back().filter(|t| !t.is_empty()) {
            write("compact-token", &name, token)?;
        }
    }
    let forms: [&[u8]; 5] = [b"\0", b"Bearer \0", b"\tbearer   \0 ", b"Bearer \0\nBearer \0", b"Basic \0,\0"];
    for (position, form) in forms.iter().enumerate() {
        write("carrier", &format!("{}-{position}", scheme.id), &[&[tag], *form].concat())?;
    }
    for position in ["0", "1"] {
        let choices = entropy.bytes(&format!("choices {position}"), 160);
        write("sign-verify", &format!("{}-{position}", scheme.id), &[&[tag], choices.as_slice()].concat())?;
    }
    Ok(())
}

/// Choices for what is composed and for sequences.
fn choices(tag: u8, scheme: &Scheme) -> Outcome {
    let mixed = Published::new("seeds", 3);
    for position in ["0", "1", "2"] {
        let some = mixed.bytes(&format!("composed {position}"), 12);
        write("composed-request", &format!("{}-{position}", scheme.id), &[&[tag], some.as_slice()].concat())?;
        let many = mixed.bytes(&format!("sequence {position}"), 40);
        write("sequence", &format!("{}-{position}", scheme.id), &[&[tag], many.as_slice()].concat())?;
    }
    Ok(())
}

/// Answers of servers, and results.
fn answers() -> Outcome {
    let answers: [&[u8]; 7] = [
        b"\x08HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"\x02HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n",
        b"\x06HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 401 No\r\n\r\nuntil the end",
        b"\x09HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        b"\x10HTTP/1.1 \0 nothing\r\n",
        b"\x10SSH-2.0-x \0\r\n",
        b"\x04HTTP/1.1 304 N\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ];
    for (position, answer) in answers.iter().enumerate() {
        write("http-answer", &position.to_string(), answer)?;
    }
    let captured: [(&str, &[u8]); 2] = [
        ("curl", b"hcurl -X POST https://demo-oms.hotwax.example/api/service/updateInventory -H 'Authorization: Bearer a.b.c' -H \"Content-Type: application/json\" --data-raw $'{\\x22a\\x22:1}' -k"),
        ("har", br#"h{"log":{"entries":[{"request":{"method":"GET","url":"https://demo-oms.hotwax.example/api/user-profile?x=1","headers":[{"name":"Authorization","value":"Bearer a.b.c"}],"postData":{"mimeType":"text/plain","text":"x"}}}]}}"#),
    ];
    for (name, text) in captured {
        write("captured-request", name, text)?;
    }
    let mixed = Published::new("seeds", 4);
    for position in ["0", "1"] {
        write("report-writers", position, &[&[1], mixed.bytes(position, 400).as_slice()].concat())?;
    }
    let hostile = r#"{"format":1,"suite":{"version":"1","digest":"ab","selected":1},"targets":[{"scheme":"a","title":"<b>&\"'","via":"http","name":"x\u001b[31m\u202e]]>","calibration":{"state":"ready","message":"\u0000"},"choices":["a=b"],"requirements":[{"id":"R-1","heading":"h","says":"<script>"}]}],"vectors":[{"id":"a/b/c","via":"http","level":"must","severity":"high","outcome":"fail","cause":"<i>","refs":["R-1"],"steps":[{"expected":"reject","observed":"accept","status":200,"exchange":{"sent":"GET / HTTP/1.1\r\n","received":"HTTP/1.1 200\n<script>\u0007"}}]}]}"#;
    write("report-writers", "hostile", hostile.as_bytes())
}

fn families(suite: &Suite) -> Outcome {
    for name in ["claims.toml", "lifecycle.toml", "time.toml"] {
        if let Ok(text) = suite.folder.read(&format!("families/{name}")) {
            write("recipe-file", name.trim_end_matches(".toml"), &text)?;
        }
    }
    Ok(())
}

fn write(target: &str, name: &str, data: &[u8]) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), data)?;
    Ok(())
}
