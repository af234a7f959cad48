"""The command line is a promise: verbs and options come and go only together with this list, README and CHANGELOG."""

FROZEN = {
    "demo": "--json --out --quiet --workers -j -q",
    "map": "--batch --bidx --bounds --device --gsd --json --model --overwrite --precision --quiet --resume --scale "
    "--seed --workers --zooms -j -q",
    "cascade": "--batch --bidx --bounds --consistent --device --gsd --json --merge --model --no-consistent --noise "
    "--overwrite --phases --precision --quiet --res --resume --sampler --samples --scale --seed --steps --uncertainty "
    "--workers -j -q",
    "augment": "--batch --bidx --consistent --device --gsd --json --model --no-consistent --overwrite --precision "
    "--quiet --resume --scale --seed --steps --times --workers -j -q",
    "train": "--data --device --init --json --list --out --precision --quiet --resume --seed --set --tensorboard "
    "--vgg19 --workers -j",
    "evaluate seams": "--bidx --bounds --device --gsd --json --model --precision --quiet --scale --workers "
    "--zooms -j -q",
    "reproduce metaearth": "--batch --classes --classes-gsd --consistent --data --device --epochs --inception --json "
    "--model --n --no-consistent --out --overwrite --precision --quick --quiet --sampler --seed --steps --tables "
    "--vgg19 --without --workers -j -q",
    "info": "--json",
    "style": "--json",
    "verify": "--blocks --device --input --json --model --precision --seed --workers -j",
    "data build": "--all-train --device --generator --precision",
    "data catalog": "--bidx --block --jpeg --json --levels --pack --scale",
    "data check": "",
    "data info": "--json",
    "data shard": "--megabytes",
    "models list": "--json",
    "models info": "--json",
    "models verify": "--json",
    "models convert": "--overwrite",
    "models halo": "--image --json --write",
}


def test_the_verbs_and_options_are_these(options_of_verbs: dict[str, set[str]]) -> None:
    found = {verb: " ".join(sorted(options - {"--help"})) for verb, options in options_of_verbs.items()}
    assert found == FROZEN
