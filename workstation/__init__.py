"""The program: people, files, database, window; ties `render` and `billing` together."""

__version__ = "0.1.0"
