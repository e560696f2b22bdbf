#!/usr/bin/env python3
"""The opinions and the examples bite: one byte of one frozen file is changed, and each names the file and the vector.

Run it in a copy of `vectors/` after `npm ci`: python3 opinions/test_changes.py [--seed N]
First one byte of one file is changed, then one byte of each of several files; the seed draws where. All is done in a
copy of the frozen files.
"""
import argparse, json, os, random, re, shutil, subprocess, sys, tempfile
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[1]
OPINIONS = {"second_opinion.py": [sys.executable, "opinions/second_opinion.py", "--vectors"],
            "second_opinion.mjs": ["node", "opinions/second_opinion.mjs", "--vectors"]}
EXAMPLES = {"test_pyjwt.py": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/test_pyjwt.py"],
            "jose.test.mjs": ["node", "--test", "examples/jose.test.mjs"]}
ALL = {**OPINIONS, **EXAMPLES}
JWS, BOUND = ["annexcloud", "bursagb-jwt", "hexsafe", "hotwax"], ["annexcloud", "hexsafe"]
# What is changed: which schemes, a pattern whose group `at` is somewhere in the vector's text, who must notice.
PLACES = {
    "the signature": (JWS, r'"Bearer [\w-]+\.[\w-]+\.(?P<at>[\w-]+)[\w-]{8}"', ALL),
    "the payload": (JWS, r'"Bearer [\w-]+\.(?P<at>[\w-]+)\.[\w-]+"', ALL),
    "the clock": (JWS, r'"clock": (?P<at>1)\d{9},', ALL),
    "the ciphertext": (["masonhub"], r'"Bearer [\w-]+\.\.[\w-]+\.(?P<at>[\w-]+)\.', [*OPINIONS, "jose.test.mjs"]),
    "the body": (BOUND, r'"body": \{\s+"utf8": "\{.*?[a-z](?P<at>[a-z]+)', OPINIONS),
    "a hash in the trace": (BOUND, r'sha-(512|256 [\w.]+)",\s+"value": \{\s+"base64": "(?P<at>[\w+/]+)\w', OPINIONS),
    "the signing input in the trace": (JWS, r'"signing-input",\s+"value": \{\s+"utf8": "(?P<at>[\w-]+)\.', OPINIONS),
}


def start(command, folder):
    command = [*command, str(folder)] if command[-1] == "--vectors" else command
    return subprocess.Popen(command, cwd=VECTORS, env={**os.environ, "VECTORS": str(folder)}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def expect(what, scripts, folder, names):
    """Runs the scripts, two at a time, and says which of them exit with 0 or do not name what each has to name."""
    good, waiting = True, list(scripts.items())
    while waiting:
        pair, waiting = [(script, start(command, folder)) for script, command in waiting[:2]], waiting[2:]
        for script, process in pair:
            output, _ = process.communicate(timeout=120)
            lacks = [name for name in names(script) if name not in output]
            fine = process.returncode != 0 and not lacks
            print(f"  {script}: " + ("noticed" if fine else
                                    f"MISSED {what}: exit status {process.returncode}, not named: {lacks}"), flush=True)
            good &= fine
    return good


def draw(chance, what, taken):
    """A file that is not taken, a vector of one call that is let in, and the place of a byte of it."""
    schemes, pattern, _ = PLACES[what]
    while True:
        path = VECTORS / chance.choice(schemes) / f"{chance.choice(['valid', 'control'])}.json"
        text = path.read_text(encoding="utf-8")
        vector = chance.choice(json.loads(text)["vectors"])
        begin = text.index(f'"id": "{vector["id"]}"')
        end = text.find('\n      "id": "', begin + 1)
        found = re.compile(pattern).search(text, begin, end if end > 0 else len(text))
        if found and [step["action"] for step in vector["steps"]] == ["call"] and path not in taken \
                and vector["level"] != "may" and "expir" not in vector["id"]:
            return path, vector["id"], text, chance.randrange(*found.span("at"))


def change(chance, folder, kinds):
    """Changes one byte of as many files as there are kinds. Gives the originals, and what each script has to name."""
    originals, names = {}, {script: [] for script in ALL}
    for what in kinds:
        path, id, text, at = draw(chance, what, originals)
        letter = "9" if text[at].isdigit() and text[at] != "9" else "b" if text[at] != "b" else "c"
        (folder / path.relative_to(VECTORS)).write_text(text[:at] + letter + text[at + 1:], encoding="utf-8")
        print(f"{what} of {id}: `{text[at]}` is `{letter}`")
        originals[path] = text
        for script in PLACES[what][2]:
            names[script] += [f"{path.parent.name}/{path.name}", id]
    return originals, names


def main():
    parser = argparse.ArgumentParser(description="Changes single bytes of frozen files and sees who notices.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    seed = parser.parse_args().seed
    chance, good = random.Random(seed), True
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as holder:
        folder = Path(holder)
        for file in [*VECTORS.glob("[a-z]*/[a-z]*.json"), VECTORS / "INDEX"]:
            (folder / file.relative_to(VECTORS)).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, folder / file.relative_to(VECTORS))
        one = chance.choice(["the signature", "the payload", "the clock"])
        for kinds in [one], [kind for kind in PLACES if kind != one]:
            originals, names = change(chance, folder, kinds)
            good &= expect("a change", ALL, folder, names.get)
            for path, text in originals.items():
                (folder / path.relative_to(VECTORS)).write_text(text, encoding="utf-8")
        file = folder / "hotwax/time.json"
        file.write_text(file.read_text(encoding="utf-8")[:-9], encoding="utf-8")
        print("hotwax/time.json is cut short")
        good &= expect("a file cut short", OPINIONS, folder, lambda _: ["hotwax/time.json"])
        file.unlink()
        print("hotwax/time.json is gone")
        good &= expect("a file that is gone", OPINIONS, folder, lambda _: ["hotwax/time/expired-an-hour-ago"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
