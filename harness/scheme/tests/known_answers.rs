//! Values that others published, computed by our engine from the scheme's own description.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use bearproof_scheme::description;
use bearproof_scheme::sign::{Draft, Entropy, Signer, Trace, Written};
use bearproof_scheme::world;

struct Folder(std::path::PathBuf);

impl world::Resolver for Folder {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|e| e.to_string())
    }
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("no variables in tests".into())
    }
}

struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self, purpose: &str, len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from((i + purpose.len()) % 251).unwrap()).collect()
    }
}

fn load(scheme: &str) -> (description::Description, world::World) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(scheme);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("world.toml");
    let choices = world::read_choices("world.toml", &text).unwrap();
    let d = description::load(scheme, "scheme.toml", &read("scheme.toml"), &choices)
        .map_err(|e| e.to_string())
        .unwrap();
    let w = world::load(&d, "world.toml", &text, &Folder(folder)).map_err(|e| e.to_string()).unwrap();
    (d, w)
}

/// The claims of the example in Hexsafe's "API Authentication": the digest is the vendor's own.
#[test]
fn the_digest_of_the_hexsafe_document_comes_out() {
    let (d, w) = load("hexsafe");
    let credential = w.credential("primary").unwrap();
    let signer = Signer { description: &d, credential, platform: None, now: 1_694_673_476, entropy: &Fixed };
    let mut draft = Draft::of(&w, w.endpoint("write").unwrap());
    draft.body = br#"{"string":"abcde"}"#.to_vec();
    let given = [Written::given(description::Place::Claims, "nonce", "4242658338")];
    let parts = signer.parts(&d.parts, &draft, &given, &mut Trace::none()).unwrap();
    let digest = parts.iter().find(|p| p.name == "digest").unwrap();
    assert_eq!(
        digest.json,
        "\"wij3HROZrND_YdAzUHHuqJUYgUchg7EKg8bPzCk3LMXOq9c00UxCL2g82A6TcPxoo2w_eWDDJUf-dD18vvOKLg==\""
    );
    let exp = parts.iter().find(|p| p.name == "exp").unwrap();
    assert_eq!(exp.json, "1694673536", "the document's exp is one minute after the world's clock");
}
