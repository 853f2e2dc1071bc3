"""The screen: command line, terminal and chat page. Decides nothing and knows no model."""
