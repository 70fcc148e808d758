"""Pictures of a leaderboard, drawn on the server as SVG. Pure functions of plain data; no Django here."""
