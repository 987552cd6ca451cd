use rvf_manifest::StoreOptions;
use rvf_quant::CodePrecision;

/// What a store's hardware profile changes in the file. `docs/profiles.md` has what each costs and brings.
pub(crate) struct ProfileLayout {
    /// Links of a row, as many times `m`.
    pub(crate) degree_per_m: usize,
    /// How finely vectors are coded beside themselves.
    pub(crate) precision: CodePrecision,
    /// There is a progressive layer, for readers that fetch parts of the file.
    pub(crate) has_coarse: bool,
}

/// The profiles by number: for any machine, for small ones, for the most of the nearest, for the most queries a second.
const PROFILES: [ProfileLayout; 4] = [
    ProfileLayout { degree_per_m: 2, precision: CodePrecision::Int8, has_coarse: true },
    ProfileLayout { degree_per_m: 1, precision: CodePrecision::Int4, has_coarse: false },
    ProfileLayout { degree_per_m: 3, precision: CodePrecision::Int8, has_coarse: true },
    ProfileLayout { degree_per_m: 2, precision: CodePrecision::Int4, has_coarse: true },
];

impl ProfileLayout {
    /// What the profile of a store says; a number that no version writes is taken for that of any machine.
    pub(crate) fn of(options: &StoreOptions) -> &'static ProfileLayout {
        PROFILES.get(usize::from(options.profile)).unwrap_or(&PROFILES[0])
    }
}
