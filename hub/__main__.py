"""``python -m hub``: the same as the ``hub`` script."""

from hub.cli import main

main()
