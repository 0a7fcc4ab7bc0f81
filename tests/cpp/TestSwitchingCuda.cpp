#include "DevicePlatform.h"
#include "TestSwitching.h"

int main() {
    return runDeviceTests("CUDA", [](const string& precision) { testSwitching("CUDA", precision); });
}
