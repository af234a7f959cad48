"""`earthloom` and `python -m earthloom`."""

import sys

from earthloom.errors import InterruptedRunError


def main() -> None:
    """Run the command line; Ctrl-C while it loads ends it without a traceback, as later on."""
    try:
        from earthloom.cli.main import main as run

        run()
    except KeyboardInterrupt:
        print("earthloom: interrupted", file=sys.stderr)
        sys.exit(InterruptedRunError.exit_code)


if __name__ == "__main__":
    main()
