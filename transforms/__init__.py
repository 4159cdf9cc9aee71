"""From a source record to the shared record: crosswalks, normalization, rules. Pure: no files, no sockets."""
