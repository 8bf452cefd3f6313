// SPDX-License-Identifier: Apache-2.0
//
// What the rows of a table of settings are made with: each names the member that it is about.
#ifndef MUSTER_TOOLS_MUSTERD_SETTING_ROWS_H_
#define MUSTER_TOOLS_MUSTERD_SETTING_ROWS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "musterd/settings.h"

namespace musterd {

inline constexpr std::uint64_t kMaxPath = 4095;
inline constexpr std::uint64_t kMaxName = 255;

// Whose settings a member pointer is of.
template <typename Pointer>
struct SettingsOfMember;
template <typename Of, typename Member>
struct SettingsOfMember<Member Of::*> {
  using Type = Of;
};

// Reads and writes the member that a path of member pointers leads to, whatever its type.
template <auto... path>
struct Member {
  using Of =
      typename SettingsOfMember<std::tuple_element_t<0, std::tuple<decltype(path)...>>>::Type;
  using Type = std::remove_reference_t<decltype((std::declval<Of&>().*....*path))>;
  static constexpr bool kAsItIs = std::is_same_v<Type, bool> || std::is_same_v<Type, std::string> ||
                                  std::is_same_v<Type, std::vector<muster::Endpoint>> ||
                                  std::is_same_v<Type, std::vector<muster::Cidr>>;
  static constexpr bool kIsTime = requires { typename Type::period; };

  static Value Get(const AnySettings& settings) {
    const Type& member = (static_cast<const Of&>(settings).*....*path);
    if constexpr (kAsItIs) {
      return member;
    } else if constexpr (kIsTime) {
      return std::chrono::milliseconds(member);
    } else {
      return static_cast<std::uint64_t>(member);
    }
  }
  static Value Default() { return Get(Of()); }
  static void Set(AnySettings& settings, const Value& value) {
    Type& member = (static_cast<Of&>(settings).*....*path);
    if constexpr (kAsItIs) {
      member = std::get<Type>(value);
    } else if constexpr (kIsTime) {
      member = std::chrono::duration_cast<Type>(std::get<std::chrono::milliseconds>(value));
    } else {
      member = static_cast<Type>(std::get<std::uint64_t>(value));
    }
  }
};

template <auto... path>
constexpr Setting Row(std::string_view name, std::string_view section, Kind kind, std::uint64_t min,
                      std::uint64_t max, std::string_view help) {
  using M = Member<path...>;
  return {name, section, kind, min, max, help, &M::Get, &M::Set, &M::Default};
}

constexpr Setting Following(Setting setting, std::string_view how) {
  setting.follows = how;
  return setting;
}

constexpr Setting Among(Setting setting, absl::Span<const std::string_view> choices) {
  setting.choices = choices;
  return setting;
}

constexpr Setting Shown(Setting setting, std::string_view placeholder) {
  setting.placeholder = placeholder;
  return setting;
}

template <auto... path>
constexpr Setting Text(std::string_view name, std::string_view section,
                       std::string_view placeholder, std::string_view help) {
  const std::uint64_t max = placeholder == "NAME" ? kMaxName : kMaxPath;
  return Shown(Row<path...>(name, section, Kind::kText, 0, max, help), placeholder);
}

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_SETTING_ROWS_H_
