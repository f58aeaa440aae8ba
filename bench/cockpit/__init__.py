"""Cockpit at national scale, and generated facts."""
