/* The error domain. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

GQuark sth_error_quark(void)
{
    return g_quark_from_static_string("sth-error-quark");
}
