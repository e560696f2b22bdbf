"""The second opinion bites: one changed byte of a frozen file, or a vector that is gone, and it says so."""
import json, shutil, subprocess, sys, tempfile, unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def authorization(step):
    return next(line["value"] for line in step["request"]["fields"] if line["name"].lower() == "authorization")


def other(text, at):
    """The text with one letter changed, to one that base64url and digits know too."""
    at %= len(text)
    return text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1:]


class SecondOpinion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.holder.name)
        for file in HERE.parent.glob("*/*.json"):
            (cls.folder / file.parent.name).mkdir(exist_ok=True)
            shutil.copyfile(file, cls.folder / file.parent.name / file.name)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def run_script(self, folder=None):
        command = [sys.executable, str(HERE / "second_opinion.py"), "--vectors", str(folder or self.folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def with_file(self, name, change, code, says):
        """Puts the changed text in the file's place, runs the script, puts the file back."""
        path = self.folder / f"{name}.json"
        before = path.read_text()
        try:
            after = change(before)
            self.assertNotEqual(before, after, "the test changed nothing")
            path.write_text(after)
            found, output = self.run_script()
            self.assertEqual(found, code, output)
            self.assertIn(says, output)
        finally:
            path.write_text(before)

    def with_step(self, id, edit, number=0):
        def change(text):
            frozen = json.loads(text)
            edit(next(vector for vector in frozen["vectors"] if vector["id"] == id)["steps"][number])
            return json.dumps(frozen)
        self.with_file(id.rpartition("/")[0], change, 1, id)

    def rejected(self, name, reason):
        """The id of the first vector of one step that is rejected for this reason alone."""
        vectors = json.loads((self.folder / f"{name}.json").read_text())["vectors"]
        return next(vector["id"] for vector in vectors if len(vector["steps"]) == 1
                    and vector["steps"][0]["expect"].get("reasons") == [reason])

    def with_trace(self, id, name, at):
        def edit(step):
            value = next(entry["value"] for entry in step["trace"] if entry["name"] == name)
            kind = next(iter(value))
            value[kind] = other(value[kind], at)
        self.with_step(id, edit)

    def with_token(self, id, at):
        """Changes a letter of the token, counted from its end."""
        def edit(step):
            authorization(step)["utf8"] = other(authorization(step)["utf8"], at)
        self.with_step(id, edit)

    def test_unchanged_files_agree(self):
        code, output = self.run_script()
        self.assertEqual(code, 0, output)

    def test_a_digest_in_a_trace(self):
        self.with_trace("hexsafe/valid/write", "claims.digest: sha-512", 5)
        self.with_trace("annexcloud/valid/read", "claims.hmac: base64", 5)
        self.with_trace("masonhub/valid/read", "claims.phrase: base64url", 5)

    def test_an_expiry_in_a_trace(self):
        self.with_trace("hotwax/valid/write", "claims", -3)

    def test_a_signing_input_in_a_trace(self):
        self.with_trace("bursagb-jwt/valid/write", "signing-input", 50)

    def test_a_signature(self):
        for scheme in ("hexsafe", "annexcloud", "bursagb-jwt", "hotwax"):
            self.with_token(f"{scheme}/valid/write", -10)

    def test_an_authentication_tag(self):
        self.with_token("masonhub/valid/write", -10)

    def test_a_body(self):
        for scheme in ("hexsafe", "annexcloud"):
            def edit(step):
                step["request"]["body"]["utf8"] = other(step["request"]["body"]["utf8"], -5)
            self.with_step(f"{scheme}/valid/write", edit)

    def test_a_path(self):
        def edit(step):
            step["request"]["target"] = other(step["request"]["target"], -1)
        self.with_step("hexsafe/valid/write", edit)
        self.with_step("annexcloud/valid/read", edit)

    def test_a_clock(self):
        for scheme in ("hexsafe", "annexcloud", "bursagb-jwt", "hotwax"):
            self.with_step(f"{scheme}/valid/write", lambda step: step.update(clock=step["clock"] + 100_000))
        self.with_step(self.rejected("hotwax/time", "time.expired"),
                       lambda step: step.update(clock=step["clock"] - 10**9))

    def test_a_key_of_the_world(self):
        self.with_file("masonhub/valid", lambda text: text.replace("production-J7q", "production-J7p"), 1,
                       "masonhub/valid/write")

    def test_an_expectation_turned_to_accept(self):
        for name, reason in (("hexsafe/body-binding", "binding.body"), ("hotwax/time", "time.expired"),
                             ("bursagb-jwt/signature", "signature.invalid"),
                             ("annexcloud/algorithm", "header.alg-not-allowed")):
            self.with_step(self.rejected(name, reason), lambda step: step.update(expect={"verdict": "accept"}))

    def test_an_expectation_turned_to_reject(self):
        expect = {"verdict": "reject", "reasons": ["signature.invalid"]}
        self.with_step("masonhub/valid/write", lambda step: step.update(expect=expect))

    def test_a_trace_that_is_gone(self):
        self.with_step("hexsafe/valid/write", lambda step: step.pop("trace"))

    def test_vectors_that_are_gone(self):
        def emptied(text):
            return json.dumps({**json.loads(text), "vectors": []})
        self.with_file("annexcloud/body-binding", emptied, 1, "too few")

    def test_vectors_that_can_not_be_judged(self):
        self.with_file("hotwax/algorithm", lambda text: text.replace("/api/service/updateInventory", "/api/login"),
                       1, "too few")

    def test_no_files(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(self.run_script(empty)[0], 1)

    def test_files_that_can_not_be_read(self):
        self.with_file("hexsafe/valid", lambda text: text[:-20], 2, "valid.json")
        self.with_file("hexsafe/valid", lambda text: text.replace('"steps"', '"stops"'), 2, "hexsafe/valid/")
        self.assertEqual(self.run_script(self.folder / "nowhere")[0], 2)


if __name__ == "__main__":
    unittest.main()
