"""The event bus over Kafka, for services on many machines. The only package that imports aiokafka."""
