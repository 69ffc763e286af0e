"""The real game in a real browser: user scripts, and a server that checks what happens."""
