"""What is told beyond prices, decided by pure functions: news, reports, corporate events, scans."""
