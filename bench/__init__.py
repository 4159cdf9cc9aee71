"""What `make bench` measures: the whole job, stage by stage, each in a process of its own."""
