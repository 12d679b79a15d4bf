//! The local HTTP interface: routes, who may ask, problem+json, OpenAPI.
