"""Accounts: values, portfolio, positions, profit of the day, and a financial advisor's groups."""
