"""The subcommands of ``qwop``, each in its module."""
