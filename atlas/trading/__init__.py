"""What the trader decides: risk rules, what a broker's report means, reconciliation. Pure."""
