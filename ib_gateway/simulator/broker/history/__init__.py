"""The past: bars, ticks, head time stamps, histograms, schedules, and bars that go on."""
