"""Forwarding (转发): a unit passes on a notice that it has, once or in several steps (补充转发)."""
