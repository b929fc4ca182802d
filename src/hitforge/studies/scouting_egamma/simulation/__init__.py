"""Embedded generator of scouting candidates."""
