// SPDX-License-Identifier: Apache-2.0
//
// MUSTER_EXPORT marks what the shared library promises to other programs; everything else stays
// hidden.
#ifndef MUSTER_EXPORT_H_
#define MUSTER_EXPORT_H_

#define MUSTER_EXPORT __attribute__((visibility("default")))

#endif  // MUSTER_EXPORT_H_
