"""One suite for every driver of the Vectra response. A driver joins by a file in `drivers`, named like the driver."""
