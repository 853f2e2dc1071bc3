"""Generated inputs of every kind, each in a child process with limits: what may come out, and what not."""
