"""What tests of faults share: a steady stream, held processes, and checks that all processes agree."""
