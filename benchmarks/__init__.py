"""Measurements of Atlas as ratios against raw floors in the same run. `make bench` runs them all; none is a timed test."""
