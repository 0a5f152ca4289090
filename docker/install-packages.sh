#!/bin/sh
# install-packages.sh cpu|cuda: the environment of Footnote's packages, in /opt/footnote/venv, without Footnote.
# EXTRAS: Footnote's extras, joined by commas. TORCH_INDEX: where PyTorch's wheels lie, if not with all others.
set -eu
variant=$1
venv=/opt/footnote/venv
cd "$(dirname "$0")/.."

pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-cache-dir "$@"
}

python3 -m venv "$venv"
torch=$(grep '^torch==' constraints.txt)
pip install --quiet --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$torch"
# Without its code Footnote is an empty package that brings all others.
pip install --quiet --use-pep517 -c constraints.txt ".[$EXTRAS]"
pip uninstall --quiet --yes footnote
pip check

cuda=$("$venv/bin/python" -c 'import torch; print(torch.version.cuda or "")')
case "$variant:$cuda" in
    cpu:?*)
        echo "PyTorch came with CUDA $cuda, which makes the image several times as large: pass TORCH_INDEX," \
            "the address of PyTorch's CPU wheels (docs/container.md)." >&2
        ;;
    cuda:)
        echo "PyTorch came without CUDA: let TORCH_INDEX name an index with its CUDA wheels (docs/container.md)." >&2
        exit 1
        ;;
esac

"$venv/bin/python" -c 'import site; print(site.getsitepackages()[0])' | while read -r packages; do
    echo /opt/footnote/app >"$packages/footnote.pth"
    # Headers for a compiler that is not there, and PyTorch's own tests.
    rm -rf "$packages/torch/include" "$packages/torch/test" "$packages"/torch/bin/test_* "$packages"/torch/bin/protoc*
done
pip uninstall --quiet --yes setuptools pip
