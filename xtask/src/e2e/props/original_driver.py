"""A driver of the original that is ready at once and has nothing to drive."""

from cinder.volume import driver


class Driver(driver.VolumeDriver):
    VERSION = "1"

    def do_setup(self, context):
        pass

    def check_for_setup_error(self):
        pass

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": self.configuration.volume_backend_name,
            "vendor_name": "the original",
            "driver_version": self.VERSION,
            "storage_protocol": "none",
            "pools": [],
        }
