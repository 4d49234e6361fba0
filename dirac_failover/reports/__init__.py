"""Shows runs and results: as text for a terminal, and as Markdown, HTML, JUnit XML and badges."""
