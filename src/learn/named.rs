//! Settings that a file gives by a name, or as a table with numbers.

/// Reads a type from its name, with the usual numbers, or from a table of its derived form (`#[serde(remote = "Self")]`), and
/// writes that form. With the word `read` it only reads.
macro_rules! name_or_table {
    ($kind:ty) => {
        name_or_table!(read $kind);

        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                <$kind>::serialize(self, serializer)
            }
        }
    };
    (read $kind:ty) => {
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
                struct Either;
                impl<'de> Visitor<'de> for Either {
                    type Value = $kind;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a name, or a table with the name of its kind")
                    }
                    fn visit_str<E: Error>(self, name: &str) -> std::result::Result<$kind, E> {
                        name.parse().map_err(E::custom)
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<$kind, A::Error> {
                        <$kind>::deserialize(MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_any(Either)
            }
        }
    };
}
pub(super) use name_or_table;
