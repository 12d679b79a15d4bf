//! Enums whose variants have a code each: one list comes in, the enum, its codes and the list of all go out. None is left out of `explain`
//! or of `docs/codes.md`.

macro_rules! coded {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $($(#[$of:meta])* $variant:ident = $code:literal,)+ }
    ) => {
        $(#[$about])*
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// Stable and kebab-case.
            pub const fn code(self) -> &'static str {
                match self {
                    $($name::$variant => $code,)+
                }
            }
        }
    };
}

pub(crate) use coded;
