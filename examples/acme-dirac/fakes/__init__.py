"""What the tests of this project use in place of the grid's storage."""
