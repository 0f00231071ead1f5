/* The error domain. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

G_DEFINE_QUARK(sth - error - quark, sth_error)
