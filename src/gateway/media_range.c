#include "gateway/media_range.h"

/* "q=0", "q=0.000": the only weights that refuse. False when it is no weight at all. */
static bool weight_is_zero(struct str value) {
    if (value.len == 0 || value.at[0] != '0') return false;
    for (size_t i = 1; i < value.len; i++)
        if (value.at[i] != (i == 1 ? '.' : '0')) return false;
    return true;
}

/* How closely the range names type/subtype: 0 not at all, 1 by *, 2 by type/ *, 3 in full. */
static int specificity(struct str range, struct str type, struct str subtype) {
    struct str have_type;
    bool whole = str_cut(&range, '/', &have_type);
    if (!whole) return 0;
    if (str_equal(have_type, STR("*"))) return str_equal(range, STR("*")) ? 1 : 0;
    if (!str_equal_nocase(have_type, type)) return 0;
    if (str_equal(range, STR("*"))) return 2;
    return str_equal_nocase(range, subtype) ? 3 : 0;
}

bool media_range_accepts(struct str accept, struct str type, struct str subtype) {
    struct str element, range, parameter;
    int best = 0;
    bool accepted = false, more = true;
    if (str_trim(accept).len == 0) return true;
    while (more) {
        more = str_cut(&accept, ',', &element);
        bool has_parameters = str_cut(&element, ';', &range), refused = false;
        int fits = specificity(str_trim(range), type, subtype);
        while (has_parameters) {
            has_parameters = str_cut(&element, ';', &parameter);
            parameter = str_trim(parameter);
            if (str_starts(parameter, STR("q=")) || str_starts(parameter, STR("Q=")))
                refused = weight_is_zero(str_slice(parameter, 2, parameter.len));
        }
        if (fits <= best && !(fits == best && fits && !refused)) continue;
        best = fits;
        accepted = !refused;
    }
    return accepted;
}

bool media_type_is(struct str content_type, struct str media_type) {
    struct str essence;
    bool has_parameters = str_cut(&content_type, ';', &essence);
    if (!str_equal_nocase(str_trim(essence), media_type)) return false;
    if (!has_parameters) return true;
    struct str parameter = str_trim(content_type);
    return str_equal_nocase(parameter, STR("charset=utf-8")) || str_equal_nocase(parameter, STR("charset=\"utf-8\""));
}
