"""The game, without learning: anatomy, rules, engines and tapes."""
