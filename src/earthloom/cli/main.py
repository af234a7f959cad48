"""`earthloom VERB`: parse, build, call, print the path; every error on purpose is one line and an exit code."""

import logging
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from earthloom import __version__
from earthloom.cli import data, evaluate, models, reproduce
from earthloom.cli.augment import augment
from earthloom.cli.cascade import cascade
from earthloom.cli.demo import demo
from earthloom.cli.info import info
from earthloom.cli.map import draw
from earthloom.cli.style import style
from earthloom.cli.train import train
from earthloom.cli.verify import verify
from earthloom.errors import EarthloomError, InterruptedRunError

app = typer.Typer(
    name="earthloom", help="Any view of a place into every other view of it, at every scale.", no_args_is_help=True
)
app.command("demo")(demo)
app.command("map")(draw)
app.command("cascade")(cascade)
app.command("augment")(augment)
app.command("train")(train)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(reproduce.app, name="reproduce")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command("info")(info)
app.command("style")(style)
app.command("verify")(verify)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line, or these words, and exit: 0 done, 1 failed, 2 usage, 3 partly failed, 130 interrupted."""
    logging.basicConfig(format="earthloom: %(message)s", level=logging.WARNING)
    sys.exit(_run(words))


def _run(words: Sequence[str] | None) -> int:
    try:
        code = app(words, prog_name="earthloom", standalone_mode=False)
    except EarthloomError as error:
        return _complain(str(error), error.exit_code)
    except TyperException as error:
        return _complain(error.format_message(), error.exit_code) if error.format_message() else error.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:  # a file system has more ways to fail than anyone checks for
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    if code == InterruptedRunError.exit_code:
        return _complain("interrupted: run it again, with --resume where the verb has it", code)
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    print(f"earthloom: {' '.join(message.split())}", file=sys.stderr)
    return code
