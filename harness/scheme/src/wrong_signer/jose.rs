//! Signers that sign or seal the token wrongly: other algorithm, key misread, other text, other spelling.
//! It must not change header or claims, but for `alg`.

use super::{Covers, Edit, KeyUse, List, Seal, Spelled};
use crate::description::{Alg, Format, Source, TokenRule};
use crate::mistake::KeyForm;

pub(super) fn add(list: &mut List<'_>) {
    let Some(rule) = list.d.token.clone() else { return };
    if rule.format == Format::Jws {
        if rule.alg.is_hmac() {
            key_forms(list);
        }
        algorithms(list, rule.alg);
        texts(list);
    }
    spelling(list, rule.format);
    keys(list, &rule);
}

fn seal(change: impl Fn(&mut Seal) + Send + Sync + 'static) -> Edit {
    Edit::Seal(Box::new(change))
}

fn key_forms(list: &mut List<'_>) {
    for form in KeyForm::ALL {
        let says = format!("signs with the secret {}", form.words());
        let edit = seal(move |s| s.key = KeyUse::Misread(form));
        let id = format!("jws/key-{}", form.slug());
        list.add(&id, &says, "the secret is the key as it is, byte for byte", edit);
    }
}

fn algorithms(list: &mut List<'_>, right: Alg) {
    let family: &[Alg] = match right {
        Alg::Hs256 | Alg::Hs384 | Alg::Hs512 => &[Alg::Hs256, Alg::Hs384, Alg::Hs512],
        Alg::Rs256 | Alg::Rs384 | Alg::Rs512 => &[Alg::Rs256, Alg::Rs384, Alg::Rs512],
        Alg::Es256 | Alg::DirA256Gcm => &[],
    };
    let fix = format!("sign with {} and name it in `alg`", right.name());
    for alg in family.iter().copied().filter(|a| *a != right) {
        let name = alg.name().to_ascii_lowercase();
        let edit = seal(move |s| (s.signs, s.says) = (Some(alg), alg.name().into()));
        list.add(&format!("jws/alg-{name}"), &format!("signs with {} and says so", alg.name()), &fix, edit);
        let edit = seal(move |s| s.signs = Some(alg));
        let says = format!("signs with {} and names {}", alg.name(), right.name());
        list.add(&format!("jws/signed-{name}"), &says, &fix, edit);
        let edit = seal(move |s| s.says = alg.name().into());
        let says = format!("signs with {} and names {}", right.name(), alg.name());
        list.add(&format!("jws/named-{name}"), &says, &fix, edit);
    }
    let edit = seal(|s| (s.signs, s.says) = (None, "none".into()));
    list.add("jws/alg-none", "does not sign, and says so", &fix, edit);
    let edit = seal(|s| s.signs = None);
    list.add("jws/unsigned", "leaves the signature empty", &fix, edit);
    let edit = seal(|s| s.says = s.says.to_ascii_lowercase());
    list.add("jws/alg-in-small-letters", "writes `alg` in small letters", &fix, edit);
}

fn texts(list: &mut List<'_>) {
    let fix = "sign the base64url text of the header, a dot, and the base64url text of the claims";
    for (id, says, covers) in [
        ("jws/signs-the-json", "signs the JSON texts before they are encoded", Covers::Texts),
        ("jws/signs-the-payload", "signs the payload without the header", Covers::Payload),
        ("jws/signs-the-claims", "signs the JSON text of the claims alone", Covers::Claims),
    ] {
        list.add(id, says, fix, seal(move |s| s.covers = covers));
    }
}

fn spelling(list: &mut List<'_>, format: Format) {
    let fix = "each segment of a token is base64url without padding";
    if format == Format::Jws {
        for (id, says, spelled) in [
            ("jws/padded", "writes the segments of the token with padding", Spelled::Padded),
            ("jws/standard-base64", "writes the segments of the token in standard base64", Spelled::Standard),
            ("jws/signature-in-hex", "writes the signature in hex", Spelled::HexSignature),
        ] {
            list.add(id, says, fix, seal(move |s| s.spelled = spelled));
        }
    }
    let edit = seal(|s| s.spelled = Spelled::Cut);
    list.add(
        "token/cut",
        "sends a token whose end is lost",
        "send the whole token; look for a limit of length",
        edit,
    );
}

fn keys(list: &mut List<'_>, rule: &TokenRule) {
    let fix = "use the key that belongs to this caller in this environment";
    if matches!(rule.key, Source::Platform(_)) {
        let others: Vec<String> =
            list.world.platforms.iter().map(|p| p.role.clone()).filter(|r| r != "primary").collect();
        for role in others {
            let says = format!("has a token of the environment `{role}`");
            let id = format!("token/environment-{role}");
            list.add(&id, &says, fix, seal(move |s| s.key = KeyUse::Platform(role.clone())));
        }
        return;
    }
    let others: Vec<String> =
        list.world.credentials.iter().map(|c| c.role.clone()).filter(|r| r != "primary").collect();
    for role in others {
        let says = format!("signs with the key of `{role}`");
        let id = format!("token/key-of-{role}");
        list.add(&id, &says, fix, seal(move |s| s.key = KeyUse::Caller(role.clone())));
    }
}
