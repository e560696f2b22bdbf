#!/bin/bash -eu
# Builds all fuzz targets into $OUT, each with its seeds and the dictionary. ClusterFuzzLite and OSS-Fuzz run this with
# SRC (the folder above the project), OUT and SANITIZER set; `.ci/clusterfuzzlite` runs it here.
cd "$SRC/bearproof/fuzz"
case ${SANITIZER:?address, none or coverage} in
    address) sanitizer=address ;;
    none | coverage) sanitizer=none ;;
    *)
        echo "SANITIZER=$SANITIZER: expected address, none or coverage" >&2
        exit 1
        ;;
esac
# As `.ci/fuzz` builds, so that one does not build anew what the other has.
cargo ${FUZZ_TOOLCHAIN:-} fuzz build --sanitizer "$sanitizer"
for target in $(cargo ${FUZZ_TOOLCHAIN:-} fuzz list); do
    cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    cp words.dict "$OUT/$target.dict"
    folders=()
    for folder in "seeds/$target" "corpus/$target" "regressions/$target"; do
        [[ ! -d $folder ]] || folders+=("$folder")
    done
    rm -f "$OUT/${target}_seed_corpus.zip"
    # One folder after the other: two may have a file of one name.
    python3 - "$OUT/${target}_seed_corpus.zip" "${folders[@]}" <<'PYTHON'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for folder in map(pathlib.Path, sys.argv[2:]):
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.parts[0]}-{file.name}")
PYTHON
done
