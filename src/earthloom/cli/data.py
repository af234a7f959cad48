"""`earthloom data`: build, check and describe folders of training pairs."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from earthloom.cartography.style import STYLE
from earthloom.cli import options
from earthloom.data.build import build_shards
from earthloom.data.catalog import SPLITS, ImageBlock, read_catalog
from earthloom.data.levels import by_level
from earthloom.data.packs import IMAGERY, PACKS, build_catalog, build_pack
from earthloom.data.pairs import Pair, read_pairs
from earthloom.data.survey import survey, table
from earthloom.errors import UsageError

MM = "mm"

app = typer.Typer(help="Build, check and describe training pairs and catalogs of imagery.", no_args_is_help=True)


@app.command()
def build(
    pack: Annotated[str, typer.Argument(help=f"{', '.join(PACKS)}, or {MM} for map-to-map pairs.")],
    source: Annotated[Path, typer.Argument(help="The downloaded pack; for mm a folder of pairs.")],
    out: Annotated[Path, typer.Argument(help="New folder of pairs.")],
    all_train: Annotated[bool, typer.Option("--all-train", help="Train on the validation scenes too.")] = False,
    generator: Annotated[Path | None, typer.Option("--generator", help="mm only: the checkpoint that draws.")] = None,
    device: Annotated[str, typer.Option("--device", help="mm only: auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="mm only: auto, fp32 or bf16.")] = "auto",
) -> None:
    """Turn a downloaded pack into a folder of pairs, or generated maps into pairs for the next zoom."""
    if (pack == MM) != (generator is not None):
        raise UsageError(f"--generator CHECKPOINT goes with {MM} and only with it")
    if generator is None:
        count = build_pack(pack, source, out, all_train=all_train)
    else:
        from earthloom.training.maps.mm_pairs import build_mm

        count = build_mm(source, out, generator, all_train=all_train, device=device, precision=precision)
    typer.echo(f"{out}: {count} pairs")


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="A folder of pairs.")]) -> None:
    """Decode every pair, count its classes, and say what is wrong."""
    typer.echo(table(survey(read_pairs(folder), STYLE.palette, STYLE.names)))


@app.command()
def shard(
    folder: Annotated[Path, typer.Argument(help="A folder of pairs.")],
    out: Annotated[Path, typer.Argument(help="New folder of shards.")],
    megabytes: Annotated[int, typer.Option("--megabytes", min=1, help="Where a new shard begins.")] = 256,
) -> None:
    """Put a folder of pairs into tar shards, as WebDataset reads them."""
    typer.echo(f"{out}: {build_shards(folder, out, shard_bytes=megabytes << 20)} shards")


@app.command()
def catalog(
    source: Annotated[Path, typer.Argument(help="A downloaded pack; or a folder of GeoTIFFs, or with an index.csv.")],
    out: Annotated[Path, typer.Argument(help="New folder of shards.")],
    levels: Annotated[str, typer.Option(help="Ground resolutions in metres per pixel.")] = "1,4,16",
    pack: Annotated[str | None, typer.Option(help=f"The pack it is: {', '.join(IMAGERY)}.")] = None,
    block: Annotated[int, typer.Option(min=8, help="Side of a block in pixels.")] = 256,
    jpeg: Annotated[int | None, typer.Option(min=1, max=100, help="Blocks as JPEG of this quality, not PNG.")] = None,
    bidx: options.Bidx = None,
    scale: options.Scale = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Cut imagery into blocks at several ground resolutions, for models of imagery alone."""
    levels_m = sorted(set(options.parse_numbers("--levels", levels, float, None) or ()))
    if not all(0 < level_m < 1e5 for level_m in levels_m):
        raise UsageError(f"--levels {levels}: metres per pixel are above 0, e.g. --levels 1,4,16")
    bands, ends = options.parse_reading(bidx, scale)
    build_catalog(source, out, pack=pack, levels_m=levels_m, size_px=block, jpeg=jpeg, bidx=bands, scale=ends)
    blocks = read_catalog(out)
    counts = {f"{level_m:g}": _by_split(members) for level_m, members in by_level(blocks, levels_m).items()}
    if as_json:
        typer.echo(json.dumps({"catalog": str(out), "block_px": block, "blocks": counts}))
        return
    typer.echo(f"{out}: {len(blocks)} blocks of {block} px")
    for level, count in counts.items():
        typer.echo(f"{level} m/px: {', '.join(f'{number} {split}' for split, number in count.items())}")


@app.command()
def info(
    folder: Annotated[Path, typer.Argument(help="A folder of pairs.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count pairs by split, and list packs, sites and ground resolutions."""
    facts = _facts(read_pairs(folder))
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name}: {value}")


def _by_split(blocks: list[ImageBlock]) -> dict[str, int]:
    return {split: sum(block.split == split for block in blocks) for split in SPLITS}


def _facts(pairs: tuple[Pair, ...]) -> dict[str, Any]:
    return {
        "pairs": len(pairs),
        "splits": dict(sorted(Counter(pair.split for pair in pairs).items())),
        "packs": sorted({pair.pack for pair in pairs}),
        "sites": len({pair.site for pair in pairs}),
        "gsd_m": sorted({pair.gsd_m for pair in pairs if pair.gsd_m is not None}),
    }
