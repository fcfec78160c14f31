import Testing

/// Held against the numbers of reference implementations; one extension per area.
@Suite struct ReferenceVectors {}
