//! Writing, duplicating, scheduling and deleting campaigns, from a form or from an island.
