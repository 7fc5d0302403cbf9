"""Access rules, budgets, and limits. No I/O here."""
