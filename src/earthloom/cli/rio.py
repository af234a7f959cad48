"""`rio earthloom ...`: the same command line as a plugin of rasterio's."""

import click


@click.command(
    "earthloom",
    short_help="Maps from imagery by Earthloom.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def earthloom(words: tuple[str, ...]) -> None:
    """Run `earthloom` with the words that follow."""
    from earthloom.cli.main import main

    main(words)
