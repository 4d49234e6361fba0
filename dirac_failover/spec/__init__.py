"""What must hold, as data: scenarios, the space of them, and outcomes. Imports neither the reference nor the fakes."""
