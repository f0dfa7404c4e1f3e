"""The parts of the market data desk: lines and permissions, streams of the first level, ticks by tick, depth."""
