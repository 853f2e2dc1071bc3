"""The words the agent sends to a language model: one markdown file each, with $places to fill."""
