"""What goes wrong in a way that can be told: one exception, whose text is a sentence for the reader."""

from agent import AgentError

__all__ = ["AgentError"]
