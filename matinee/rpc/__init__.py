"""gRPC between the services. The only package that imports grpc itself."""
